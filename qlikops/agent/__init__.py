"""What runs in Lambda: one thin handler a Task state, and below it a room for each question.

From the top down, and each imports only what stands below it: `handlers` (what does a Task state get and answer?),
`wiring` (what is built once a process?), `steps` (what happens in a Task state?), `tell` (who hears what?), `propose`
and `evaluate` (what could be done, and what does an evaluator say of it?), `look` and `decide` (what is wrong with
which task, may something happen?), `remember` (what is known from before?), `diagnosis` (what does a message mean?),
`config` (what is set?). import-linter holds the order.
"""
