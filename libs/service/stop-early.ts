// Loaded before a service in a container (node --import), where the service is process 1. The kernel gives
// process 1 only those signals that it listens for. A service listens after a second or two. Without this
// file, a stop within that time would have no effect until the container is killed.
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    const nobodyElseListens = process.listenerCount(signal) === 1;
    if (nobodyElseListens) process.exit(0);
  });
}
