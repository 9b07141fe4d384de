import { test, describe } from "node:test";
describe("s", () => { for (let i = 0; i < 3; i++) test(`t${i}`, () => new Promise((r) => setTimeout(r, 2000))); });
