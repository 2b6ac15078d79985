"""Photos to a training set: ingest, align, select, flatten."""
