"""What is kept between runs: one module for each kind of thing, all on one object store."""
