#!/bin/sh
# Succeeds once JetStream is ready: by wget, as NATS's alpine image has it, or by bash, as Debian's have.
if command -v wget >/dev/null; then
  exec wget -q -O /dev/null http://127.0.0.1:8222/healthz
fi
exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/8222 && printf "GET /healthz HTTP/1.0\r\n\r\n" >&3 && head -n 1 <&3 | grep -q " 200 "'
