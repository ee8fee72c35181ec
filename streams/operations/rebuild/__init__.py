"""Rebuilds the state of an application from Kafka's log: the input is read again, what is public is compared.

Nothing is sent. Each shard is made anew at the log's first record and works with the engine of the worker, the model
versions coming into force where the decisions topic says that they did (in a replay: in lockstep), learned again from
the examples topic. Every output that is made is compared with what the shard has published under the same sequence
number; the first difference ends the rebuild. A shard is done when everything that it has published is made again; from
there on a worker goes on, as after the restore of a backup. In order:

 1. claim the plan: from here on no worker takes one of its shards over                 (`rebuild.1.claimed`)
 2. delete what is left of these shards' state, and say in the plan that it is           (`rebuild.2.cleared`)
 3. create their metas at the log's start, mint them, start each shard's transactional producer once: a former owner
    that still lives can neither write nor publish any more; read how far the shard is public
 4. work through the log, commit by commit; compared outputs are trimmed from the outbox
 5. write the learner, if its state was lost: state, offsets, newest versions            (`rebuild.5.learned`)
 6. mark the plan done: workers may start

A run that ends before 6, however it ends, is gone on with by the next one: shards stand at their last commits, what is
not trimmed from their outboxes is compared again.
"""
