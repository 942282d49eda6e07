"""./run_local.sh, after the environment is made."""

from pipeline.local.run.session import main

if __name__ == "__main__":
    raise SystemExit(main())
