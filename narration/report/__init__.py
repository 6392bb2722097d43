"""Reports: what a render did, for programs and for people."""
