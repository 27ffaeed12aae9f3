"""What runs in Lambda: one thin handler a Task state, and below it a room for each question.

From the top down, and each imports only what stands below it: `handlers` (what does a Task state get and answer?),
`wiring` (what is built once a process?), `exam` (how does an evaluator judge the known failures' examples?), `steps`
(what happens in a Task state?) and `trial` (what would the agent make of a message?), `act` (what is sent to Qlik, and
what came of it?), `tell` (who hears what?), `propose` and `evaluate` (what could be done, and what does an evaluator
say of it?), `look` and `decide` (what is wrong with which task, may something happen?), `remember` (what is known from
before?), `diagnosis` (what does a message mean?), `config` and `transient` (what is set, and which failures may pass by
themselves?), `models` (what is set of a model that evaluates?). import-linter holds the order. Commands ask `exam` and
`trial`; no Task state does.
"""
