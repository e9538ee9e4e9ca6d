"""python -m obcat.cli"""

from obcat.cli import main

if __name__ == "__main__":
    main()
