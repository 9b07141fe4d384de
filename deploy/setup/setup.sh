#!/bin/sh
# Before anything else starts: makes the passwords and the key of this installation, each once, and hands NATS's volume to the user
# that NATS runs as. docs/containers.md. What is there already stays; to have a secret made anew, remove its files.
# /secrets has a volume for each service that needs secrets, /data those of NATS.
set -eu
umask 077
nats=4222 node=1000 grafana=472 prometheus=65534

random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

# secret SETTING PREFIX FILE:USER… - writes one secret into each file, for that user alone. It is what is in one of the files. An older
# installation has it in a variable of `.env`, which is taken over.
secret() {
  eval "value=\${$1:-}"
  setting=$1 prefix=$2
  shift 2
  # This topology has no such service.
  [ -d "/secrets/${1%%/*}" ] || return 0
  [ -z "$value" ] || echo "setup: $setting is taken over into the volumes; take it out of .env, it is not needed there any more"
  for place in "$@"; do
    file=/secrets/${place%:*}
    if [ -z "$value" ] && [ -s "$file" ]; then value=$(cat "$file"); fi
  done
  [ -n "$value" ] || value=$prefix$(random)
  for place in "$@"; do
    file=/secrets/${place%:*} user=${place#*:}
    [ -d "${file%/*}" ] || continue
    if [ "$(cat "$file" 2>/dev/null || true)" = "$value" ]; then continue; fi
    printf %s "$value" >"$file.new"
    chmod 0400 "$file.new"
    chown "$user:$user" "$file.new"
    mv "$file.new" "$file"
    echo "setup: wrote ${place%:*}"
  done
}

# The cluster has volumes of its own. Without the logs of an installation of one NATS the instances would lose their working memory.
if [ -d /former/jetstream ] && [ ! -e /secrets/nats/former-is-left ]; then
  if [ "${1:-}" != leave-former ]; then
    echo 'setup: this installation has its logs in the volume of one NATS, and the cluster would begin without them. Move them' >&2
    echo 'setup: (docs/containers.md, From one NATS to a cluster), or begin anew: docker compose … run --rm setup leave-former' >&2
    exit 1
  fi
  touch /secrets/nats/former-is-left
fi

for folder in /secrets/*; do chmod 0755 "$folder"; done
secret NATS_GATEWAY_PASSWORD '' "nats/gateway:$nats" "gateway/nats-password:$node"
secret NATS_WORKER_PASSWORD '' "nats/worker:$nats" "worker/nats-password:$node"
secret NATS_ROUTE_PASSWORD '' "nats/route:$nats"
# Those of backups can read everything, and delete: they are there only while somebody wants them (docs/backup.md).
case ${1:-} in
  backup-users)
    secret NONE '' "nats/backup:$nats"
    secret NONE '' "nats/restore:$nats"
    ;;
  no-backup-users) rm -f /secrets/nats/backup /secrets/nats/restore ;;
esac
secret GATEWAY_ADMIN_KEY kato_admin_ "gateway/admin-key:$node"
# The programs that ask the gateway, and what each may do. They may be started later than the gateway.
secret NONE kato_discovery_ "gateway/discovery-key:$node" "discovery/gateway-key:$node"
secret NONE kato_prometheus_ "gateway/prometheus-key:$node" "prometheus/gateway-key:$prometheus"
if [ -d /secrets/gateway ]; then
  keys=/secrets/gateway/program-keys
  {
    echo "$(cat /secrets/gateway/discovery-key) {\"processors\": [\"*\"], \"scope\": \"discovery\", \"source\": \"docker\"}"
    echo "$(cat /secrets/gateway/prometheus-key) {\"processors\": [\"*\"], \"scope\": \"read\"}"
  } >"$keys.new"
  chmod 0400 "$keys.new"
  chown "$node:$node" "$keys.new"
  mv "$keys.new" "$keys"
fi
secret GRAFANA_PASSWORD '' "grafana/admin-password:$grafana"
if [ -n "${NATS_DISCOVERY_PASSWORD:-}" ]; then
  echo 'setup: NATS_DISCOVERY_PASSWORD is of no use any more, as discovery does not use NATS; take it out of .env'
fi

for data in /data/*; do
  [ "$(stat -c %u "$data")" != "$nats" ] || continue
  if [ -n "$(ls -A "$data")" ] && [ "${1:-}" != hand-over ]; then
    echo "setup: NATS does not run as root any more, and its volume ${data##*/} has root's files. Stop NATS, and run this once, with the -f" >&2
    echo 'setup: and other options of your `docker compose up`: docker compose run --rm setup hand-over' >&2
    exit 1
  fi
  # The folder itself comes last: then an end in between is noticed.
  find "$data" -depth -exec chown -h "$nats:$nats" {} +
  echo "setup: handed ${data##*/} to NATS"
done
