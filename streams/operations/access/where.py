"""Where something of a customer lies, with the limits that are in force on the topics now."""

from __future__ import annotations

from models.settings import EngineSettings
from streams.config import Config
from streams.kafka.access import KafkaRightMissing
from streams.kafka.admin import TopicAdmin
from streams.kafka.security import kafka_connection
from streams.kafka.topics import kept_ms
from streams.operations.access.places import TOPICS, Told, limit_of, record_limit, told_places


def places_of(config: Config, settings: EngineSettings | None, language: int) -> list[Told]:
    """settings: of the shard; None: those that are configured. language: `places.ENGLISH` or `GERMAN`."""
    names = {role: config.topic(role) for role in TOPICS}
    try:
        with TopicAdmin(kafka_connection(config)) as admin:
            found = admin.describe(names.values())
    except KafkaRightMissing:
        found = {}
    kept = {role: kept_ms(found[name].settings) if name in found else None for role, name in names.items()}
    limits = {role: limit_of(ms, language) for role, ms in kept.items()}
    engine = settings if settings is not None else config.engine()
    return told_places(limits, record_limit(engine.forget_after, engine.horizon, language), language)
