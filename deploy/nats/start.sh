#!/bin/sh
# Starts nats-server with the configuration of this folder, under its host's name; arguments are its own.
# A password is a file of /run/secrets/nats that is called like its user: that of `gateway` becomes NATS_GATEWAY_PASSWORD, which
# users.conf names. Where NATS_ROUTES has the nodes of a cluster (host:port, with commas between), `route` is their password.
set -eu
conf=/etc/nats
secrets=/run/secrets/nats
for file in "$secrets"/*; do
  [ -f "$file" ] || continue
  user=$(basename "$file" | tr a-z A-Z)
  # What setup.sh has noted there is no password.
  case $user in *[!A-Z0-9_]*) continue ;; esac
  # In double quotes for nats-server, to which 123 would be a number.
  export "NATS_${user}_PASSWORD=\"$(sed 's/[\\"]/\\&/g' "$file")\""
done
main=nats.conf
if [ -n "${NATS_ROUTES:-}" ]; then
  main=cluster.conf
  password=$(cat "$secrets/route")
  case $password in
    '' | *[!A-Za-z0-9_-]*)
      echo 'start.sh: the password between the nodes stands in URLs: it must be of letters, digits, - and _' >&2
      exit 1
      ;;
  esac
  urls=
  IFS=,
  for node in $NATS_ROUTES; do urls="$urls\"nats://node:$password@$node\", "; done
  unset IFS
  export NATS_ROUTE_URLS="[$urls]"
fi
shipped=$conf
copy() {
  [ "$conf" = "$shipped" ] || return 0
  conf=$(mktemp -d)
  cp "$shipped"/*.conf "$conf/"
}
case $(nats-server --version) in
  *2.9.*)
    # It does not know sync_interval, and starts with nothing that it does not know.
    copy
    sed '/sync_interval/d' "$shipped/nats.conf" >"$conf/nats.conf"
    ;;
esac
# The users of backups are there while they have passwords (`setup backup-users`).
if [ -f "$secrets/backup" ] && [ -f "$secrets/restore" ]; then
  copy
  awk 'NR == FNR { more = more $0 "\n"; next } $0 == "  ]" { printf "%s", more } { print }' \
    "$shipped/backup-users.conf" "$shipped/users.conf" >"$conf/users.conf"
fi
exec nats-server -c "$conf/$main" --name "$(hostname)" "$@"
