"""The whole of qlikops in one seeded, single-threaded world of virtual time: real code over models of AWS and Qlik.

`kernel` runs processes one at a time; `dynamodb`, `stepfunctions` and `services` model AWS as documented; `plant`
assembles a world from a seed; `actors` live in it; `faults` go wrong in it; `invariants` hold whatever happens.
"""
