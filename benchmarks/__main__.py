"""`python -m benchmarks`: see `command`."""

if __name__ == "__main__":
    # Imported here alone: the processes that are started import this file too, and few need Beam.
    from benchmarks.command import main

    raise SystemExit(main())
