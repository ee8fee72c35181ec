"""Blue/green: a new application takes the outputs over from one that runs, at a recorded position of each shard.

*Blue* runs. *Green* has another name (so keys, group and transactional ids of its own), perhaps other settings or
another release, and the same topics. `retention rebuild --into GREEN` makes green's state from the log beside blue: the
same `Shard` as a worker's, never beyond blue's own position, learning from its own examples in process (in blue's
examples topic is blue's model). Nobody is triggered: its cut-over (`quiet_until`) is not known yet, and its outputs are
dropped, but for examples, which stay in its outbox until the stored learner has learned them. So a run that ends
anywhere is gone on with: shards stand at their commits, and the learner learns again what its state lacks.

`retention switch GREEN`, under blue's name. The position at which a shard is handed over is that of blue's meta once
nobody but the switch can write it:

 1. let green catch up, then write into blue's store that it is switched off            (`switch.1.begun`)
    no worker of blue takes a shard over any more; those that have one work on
 2. shard by shard: mint blue's token, start its producer, publish what its outbox holds, trim: blue's worker can
    neither write nor publish from here on and ends (71; its restart ends with 89). Blue's next offset is the position
                                                                                         (`switch.2.fenced`)
 3. let green catch up to these positions, still quiet; no shard waits for a version    (`switch.3.caught_up`)
    write its learner, and into green's plan that it goes no further (`cut`)            (`switch.4.cut`)
 4. customers whose episode is open in blue's record get it in green's: who was triggered is not triggered again
 5. shard by shard, one commit: green's sequence numbers are blue's, its cut-over is its time, its outbox holds the
    examples that are not learned yet, numbered behind blue's                           (`switch.5.handed_over`)
 6. green's learner goes on behind blue's last example                                   (`switch.6.learner`)
 7. mark green's plan done: its workers may start; then blue's                           (`switch.7.done`)

| dies after | who sends | the next run |
|---|---|---|
| 1 | blue's workers, until they end | goes on with 1 |
| 2, 3 | nobody: what blue decided is public or in its outbox | mints again, publishes what is left, catches up |
| `cut` | nobody | green's shards and learner stand; goes on with 4 |
| 4, 5 | nobody | a record that has its episode is left as it is; a shard that is handed over has a cut-over |
| 6 | nobody | writes the learner again, the same |
| 7 | green | finds all done |

Where blue was stopped between two timers before a record, green stands before the first of them: those that blue has
decided already find their customer's episode open. So no trigger goes out twice, and none is lost. A green shard that
is ahead of blue (Redis went back) is refused, and so is a blue one that is behind its own outputs: its workers mend
that.
"""
