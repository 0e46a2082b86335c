"""Carry out a plan: bounded, idempotent, an intent on disk before each call, one result for each action.

What a SIGKILL leaves behind, and how the next tick goes on. Each row holds before and after the named call alike: an
intent on disk whose call never went out is treated as one whose answer was lost.

=======================================  ==========================================  ================================
killed after                             the next tick sees                          and does
=======================================  ==========================================  ================================
launch: intents saved, nothing created   record without server id, no such server    counts it as upcoming (no second
                                                                                     server), forgets it in the end
launch: created, ids not saved           a listed server with the intent's name      adopts it
drain: nonce saved, startd not asked     drain without answer; startd not draining   drops the nonce
drain: startd asked, answer not saved    startd drains with our nonce                takes over id and start time
delete: inspected, nothing saved         startd drained by us                        goes on from the inspection
delete: fence saved, startd still on     startd answers drained by us                inspects and fences again
delete: fenced, deletion not saved       startd silent, fence on disk                switches it on and resumes
delete: deletion saved, cloud not asked  server there, deletion on disk              if silent, no job: deletes
delete: cloud asked, nothing more saved  server deleting, or 404 by id               repeats, or verifies and forgets
put back: switched on, record not saved  startd answers, not drained; fence on disk  drops drain and fence
forget: ads invalidated, not forgotten   404 by id                                   does both again
=======================================  ==========================================  ================================

A call that was given up (deadline, shutdown) is the same case as a kill, but for one thing: it may still take effect.
So nothing else is begun about its workers until it has returned (`patience`).
"""

from elastic.executor.executor import Acts, DryExecutor, Executor, silent

__all__ = ["Acts", "DryExecutor", "Executor", "silent"]
