"""The contracts with other teams, made from the types: ``python -m tests.support.contracts`` writes them.

JSON Schemas of what is published to the engine and of what it publishes, an AsyncAPI document of the topics, an OpenAPI
one of a worker's HTTP side, and the tables of docs/contracts.md. `changes` says what a change means for other teams.
"""
