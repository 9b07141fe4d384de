import assert from "node:assert/strict";
import { test } from "node:test";
import { vectorName } from "../../../services/simulator/memory/classifier.ts";
import { printArray } from "../../../services/simulator/python/numpy.ts";

// The expected texts were printed by numpy 1.23.5: str(numpy.array(values, dtype=float)).

test("short arrays are printed as numpy prints them", () => {
  const cases: [number[], string][] = [
    [[], "[]"],
    [[1, 2, 3], "[1. 2. 3.]"],
    [[0.1, 0.2], "[0.1 0.2]"],
    [[1.5, 2, 3], "[1.5 2.  3. ]"],
    [[0], "[0.]"],
    [[-0, 1], "[-0.  1.]"],
    [[-1.5, 22.25, 3], "[-1.5  22.25  3.  ]"],
    [[1 / 3, 2 / 3], "[0.33333333 0.66666667]"],
    [[0.1 + 0.2], "[0.3]"],
    [[99999999.5], "[99999999.5]"],
    [[1000, 1], "[1000.    1.]"],
    [[0.0001, 0.09], "[0.0001 0.09  ]"],
    [[0.1234567849], "[0.12345678]"],
  ];
  for (const [values, printed] of cases) assert.equal(printArray(values), printed);
});

test("very small, very large and very different values are printed with exponents", () => {
  const cases: [number[], string][] = [
    [[1e-5, 1], "[1.e-05 1.e+00]"],
    [[1e8], "[1.e+08]"],
    [[1001, 1], "[1.001e+03 1.000e+00]"],
    [[9.9e-5], "[9.9e-05]"],
    [[1e-100, 1, 1e200], "[1.e-100 1.e+000 1.e+200]"],
    [[123456789.123], "[1.23456789e+08]"],
    [[-1e-7, 3], "[-1.e-07  3.e+00]"],
    [[5e-324, 1.5], "[4.9e-324 1.5e+000]"],
  ];
  for (const [values, printed] of cases) assert.equal(printArray(values), printed);
});

test("the eighth digit is rounded to the even one on a tie", () => {
  assert.equal(printArray([0.001953125]), "[0.00195312]");
  assert.equal(printArray([0.005859375]), "[0.00585938]");
  assert.equal(printArray([1000000005]), "[1.e+09]");
  assert.equal(printArray([1000000015]), "[1.00000002e+09]");
});

test("lines wrap at 75 characters", () => {
  const thirty = Array.from({ length: 30 }, (_, at) => at);
  assert.equal(
    printArray(thirty),
    "[ 0.  1.  2.  3.  4.  5.  6.  7.  8.  9. 10. 11. 12. 13. 14. 15. 16. 17.\n" +
      " 18. 19. 20. 21. 22. 23. 24. 25. 26. 27. 28. 29.]",
  );
  assert.equal(
    printArray(Array.from({ length: 12 }, (_, at) => at / 7)),
    "[0.         0.14285714 0.28571429 0.42857143 0.57142857 0.71428571\n" +
      " 0.85714286 1.         1.14285714 1.28571429 1.42857143 1.57142857]",
  );
  const fits = printArray(new Array(9).fill(1e-9));
  assert.equal(fits, "[1.e-09 1.e-09 1.e-09 1.e-09 1.e-09 1.e-09 1.e-09 1.e-09 1.e-09]");
});

test("beyond a thousand elements only the ends are printed", () => {
  const upTo = (length: number) => Array.from({ length }, (_, at) => at);
  assert.equal(printArray(upTo(1001)), "[   0.    1.    2. ...  998.  999. 1000.]");
  assert.equal(
    printArray(upTo(1500).map((value) => value / 2)),
    "[0.000e+00 5.000e-01 1.000e+00 ... 7.485e+02 7.490e+02 7.495e+02]",
  );
  assert.ok(printArray(upTo(1000)).endsWith(" 989. 990. 991. 992. 993.\n 994. 995. 996. 997. 998. 999.]"));
});

test("a vector's name is the sha1 of what numpy prints", () => {
  assert.equal(vectorName([1, 2, 3]), "VECTOR|fe5de4472f7e4d5c9cdd19cadebfa06fe3da8e43");
});
