#!/bin/sh
# The rights that each party needs on Kafka, and no more. Run it once per application, by someone who may alter ACLs.
#
#   BOOTSTRAP_SERVERS=broker:9093 COMMAND_CONFIG=admin.properties WORKER=User:retention deploy/kafka/acls.sh
#
# BOOTSTRAP_SERVERS  where kafka-acls reaches the brokers
# COMMAND_CONFIG     properties with the credentials of kafka-acls; none: it needs none
# KAFKA_ACLS         the program (kafka-acls.sh)
# PREFIX, APP        RETENTION_TOPIC_PREFIX and RETENTION_APP of the engine
# WORKER             principal of the workers
# UPSTREAM           principal of those who publish touchpoints; empty: nobody
# DOWNSTREAM, GROUP  principal of those who read triggers, and the prefix of their consumer groups; empty: nobody
# OWN_PAGE           principal of `retention own-page`; empty, as without a word: nobody
# REKEY, SOURCE      principal of `retention rekey`, and the topic that it reads; empty, as without a word: nobody
# OPERATOR           principal of `retention topics`, `doctor`, `tail`, `replay`, `models`, `policy`, `stop`, `control` and `backfill`; empty: nobody
set -eu

: "${BOOTSTRAP_SERVERS:?name the brokers, host:port,host:port}"
KAFKA_ACLS=${KAFKA_ACLS:-kafka-acls.sh}
PREFIX=${PREFIX:-retention}
APP=${APP:-retention}
WORKER=${WORKER-User:retention-worker}
UPSTREAM=${UPSTREAM-User:retention-upstream}
DOWNSTREAM=${DOWNSTREAM-User:retention-downstream}
GROUP=${GROUP:-retention-downstream}
OWN_PAGE=${OWN_PAGE-}
REKEY=${REKEY-}
SOURCE=${SOURCE-}
OPERATOR=${OPERATOR-User:retention-operator}

allow() {
    principal=$1
    shift
    "$KAFKA_ACLS" --bootstrap-server "$BOOTSTRAP_SERVERS" ${COMMAND_CONFIG:+--command-config "$COMMAND_CONFIG"} \
        --add --force --allow-principal "$principal" "$@"
}

if [ -n "$WORKER" ]; then
    # It writes into its input too: clock records, and triggers that expired before they were sent. It reads its outputs
    # to know how far it has published, and their settings to know that they suit it.
    allow "$WORKER" --operation Read --operation Write --operation DescribeConfigs \
        --topic "$PREFIX.touchpoints" --topic "$PREFIX.triggers" --topic "$PREFIX.decisions" \
        --topic "$PREFIX.examples" --topic "$PREFIX.deadletters"
    allow "$WORKER" --operation Read --operation DescribeConfigs --topic "$PREFIX.learner"
    allow "$WORKER" --operation Read --group "$APP"
    # A transaction per commit, one id per shard: APP-0, APP-1, ...; and APP-probe at its start.
    allow "$WORKER" --operation Write --operation Describe --transactional-id "$APP-" \
        --resource-pattern-type prefixed
fi

if [ -n "$UPSTREAM" ]; then
    allow "$UPSTREAM" --operation Write --operation DescribeConfigs --topic "$PREFIX.touchpoints"
fi

if [ -n "$DOWNSTREAM" ]; then
    allow "$DOWNSTREAM" --operation Read --topic "$PREFIX.triggers"
    allow "$DOWNSTREAM" --operation Read --group "$GROUP" --resource-pattern-type prefixed
fi

if [ -n "$OWN_PAGE" ]; then
    # It says what customers say, and reads nothing but how long topics are kept.
    allow "$OWN_PAGE" --operation Write --operation DescribeConfigs --topic "$PREFIX.touchpoints"
    allow "$OWN_PAGE" --operation Describe --operation DescribeConfigs --topic "$PREFIX.triggers" \
        --topic "$PREFIX.decisions" --topic "$PREFIX.examples" --topic "$PREFIX.deadletters"
fi

if [ -n "$REKEY" ]; then
    : "${SOURCE:?name the topic that rekey reads}"
    allow "$REKEY" --operation Read --topic "$SOURCE"
    allow "$REKEY" --operation Write --topic "$PREFIX.touchpoints"
    # It makes the topic of its dead letters where there is none.
    allow "$REKEY" --operation Create --operation Write --operation DescribeConfigs --topic "$PREFIX.rekey-deadletters"
    # Group and transactional ids as they are without --group: APP-rekey-SOURCE, and with -INSTANCE behind it.
    allow "$REKEY" --operation Read --group "$APP-rekey-$SOURCE"
    allow "$REKEY" --operation Write --operation Describe --transactional-id "$APP-rekey-$SOURCE-" \
        --resource-pattern-type prefixed
fi

if [ -n "$OPERATOR" ]; then
    allow "$OPERATOR" --operation Create --operation Read --operation DescribeConfigs \
        --topic "$PREFIX." --resource-pattern-type prefixed
    # `topics retain` sets how long topics are kept.
    allow "$OPERATOR" --operation AlterConfigs --topic "$PREFIX." --resource-pattern-type prefixed
    # Replays, what operators choose and stop; and the orders of a stop to those who send.
    allow "$OPERATOR" --operation Write --topic "$PREFIX.touchpoints" --topic "$PREFIX.triggers"
    # `control` creates, reads and writes the topic of the control group's members.
    allow "$OPERATOR" --operation Write --topic "$PREFIX.control"
    # `doctor` and `backfill` look at the workers' group.
    allow "$OPERATOR" --operation Describe --group "$APP"
    # `doctor` tries a transaction on a topic of its own, which it deletes.
    allow "$OPERATOR" --operation Write --operation Delete --topic "$PREFIX.doctor-" --resource-pattern-type prefixed
    allow "$OPERATOR" --operation Write --operation Describe --transactional-id "$APP-doctor"
fi
