"""Make one of the shipped models again: train, export, and write its golden statistics and sites.

python models/make.py gpt2            # 12 to 25 minutes on two busy cores
python models/make.py gpt2 --reuse    # export again from the weights of the last training
"""

import argparse
from importlib import import_module

#: Name of the model to the module that makes it.
RECIPES = {
    "gpt2": "gpt2",
    "gpt2-relu": "gpt2_relu",
    "bert": "bert",
    "gcn": "gcn",
    "mlp": "mlp",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=RECIPES)
    parser.add_argument(
        "--steps", type=int, help="training steps, instead of the recipe's own number"
    )
    parser.add_argument(
        "--reuse", action="store_true", help="take the weights of the last training"
    )
    args = parser.parse_args()
    import_module(f"recipes.{RECIPES[args.model]}").make(args.steps, args.reuse)


if __name__ == "__main__":
    main()
