#!/bin/sh
# Starts nats-server with the configuration of this folder, under its host's name; arguments are its own.
set -eu
conf=/etc/nats
case $(nats-server --version) in
  *2.9.*)
    # It does not know sync_interval, and starts with nothing that it does not know.
    mkdir -p /tmp/nats
    cp "$conf"/*.conf /tmp/nats/
    sed '/sync_interval/d' "$conf/nats.conf" >/tmp/nats/nats.conf
    conf=/tmp/nats
    ;;
esac
exec nats-server -c "$conf/nats.conf" --name "$(hostname)" "$@"
