"""`retention doctor`: checks everything that a worker depends on, and names the remedy.

| module | looks at |
|---|---|
| `broker`, `producing` | Kafka: reachable, transactions, idempotence, its clock |
| `topics` | the engine's topics, from facts alone |
| `transactions` | open transactions of producers upstream, which hold up the input |
| `redis_nodes`, `redis` | Redis: version, persistence, eviction, memory, replicas, scripts, its clock |
| `shards` | what stands in Redis beside what stands in Kafka |
| `local` | this machine: environment, open files |
| `kafka_section`, `redis_section`, `examination` | which question comes after which, in bounded time |

What the worker itself checks before it starts (streams/bootstrap/preflight.py) is the same code.
"""

from streams.operations.doctor.finding import CHECKS, Finding, Status

__all__ = ["CHECKS", "Finding", "Status"]
