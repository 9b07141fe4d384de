// Loaded ahead of a service in a container (node --import): there it is process 1, to which the kernel gives no signal that
// it does not listen for, and it takes a second or two until the service does. A stop in that time would wait for its limit.
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    const nobodyElseListens = process.listenerCount(signal) === 1;
    if (nobodyElseListens) process.exit(0);
  });
}
