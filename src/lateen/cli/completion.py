"""`lateen completion SHELL`: a script that completes commands, options and file names.

The script is made from the commands' own parsers, so it cannot fall behind them.
"""

import argparse
from typing import Any

SHELLS = ("bash", "zsh", "fish")


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "completion",
        help="print a completion script for a shell",
        description="Prints a script that makes the shell complete lateen's commands and options.",
        epilog='example: eval "$(lateen completion bash)"',
    )
    parser.add_argument("shell", choices=SHELLS)


def run(arguments: argparse.Namespace) -> int:
    print({"bash": bash, "zsh": zsh, "fish": fish}[arguments.shell](options()), end="")
    return 0


def options() -> dict[str, tuple[str, ...]]:
    """Per command: its option strings and the first words that it offers, sorted."""
    import importlib

    from lateen.cli.main import COMMANDS

    found = {}
    for name, (module, _) in COMMANDS.items():
        root = argparse.ArgumentParser(prog="lateen")
        commands = root.add_subparsers()
        importlib.import_module(f"lateen.cli.{module}").add_parser(commands)
        found[name] = tuple(sorted(words(commands.choices[name])))
    return found


def words(parser: argparse.ArgumentParser) -> set[str]:
    found: set[str] = set()
    for action in parser._actions:
        found.update(word for word in action.option_strings if word.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            found.update(action.choices)
            for nested in action.choices.values():
                found.update(words(nested))
        elif action.choices and not action.option_strings:
            found.update(str(choice) for choice in action.choices)
    return found


def bash(commands: dict[str, tuple[str, ...]]) -> str:
    cases = "\n".join(f'    {name}) words="{" ".join(w)}" ;;' for name, w in commands.items())
    return f"""_lateen() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" words
  case "${{COMP_WORDS[1]}}" in
{cases}
    *) words="--help --version" ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{" ".join(commands)} --help --version"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _lateen lateen
"""


def zsh(commands: dict[str, tuple[str, ...]]) -> str:
    return "autoload -U +X bashcompinit && bashcompinit\n" + bash(commands)


def fish(commands: dict[str, tuple[str, ...]]) -> str:
    lines = [f'complete -c lateen -n __fish_use_subcommand -a "{" ".join(commands)}"']
    for name, offered in commands.items():
        seen = f'-n "__fish_seen_subcommand_from {name}"'
        lines += [f"complete -c lateen {seen} -l {w[2:]}" for w in offered if w.startswith("--")]
        plain = " ".join(w for w in offered if not w.startswith("-"))
        if plain:
            lines.append(f'complete -c lateen {seen} -a "{plain}"')
    return "\n".join(lines) + "\n"
