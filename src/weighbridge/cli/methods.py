"""The groups `sign` and `verify`, whose subcommands are signing methods; without one, keyless."""

from typing import Any, Final

import click

from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.core.identity import SigningMethod

_LEFT_OUT: Final = "weighbridge.method_left_out"


class MethodGroup(click.Group):
    """
    A group in which the method may be left out.

    What stands in its place is then a model, or a flag of the keyless method. The names of
    methods are always methods: a model called `key` is `./key`.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Name the keyless method where no method is named."""
        named = args and (args[0] in set(SigningMethod) or args[0] in ctx.help_option_names)
        if args and not named:
            args = [SigningMethod.SIGSTORE.value, *args]
            ctx.meta[_LEFT_OUT] = True
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  the overridden method's
        """Run the method; whoever named none and lacks an option of it may mean another one."""
        try:
            return super().invoke(ctx)
        except click.MissingParameter as error:
            if not ctx.meta.get(_LEFT_OUT):
                raise
            methods = ", ".join(f"weighbridge {ctx.info_name} {name}" for name in self.commands)
            raise click.UsageError(
                f"{error.format_message()} No method was named, and sigstore is meant then; there "
                f"are: {methods}.",
                ctx=error.ctx,
            ) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the method; some can sign and have another name for verifying."""
        name = args[0]
        if name in self.commands:
            return super().resolve_command(ctx, args)
        raise UsageError(
            f"there is no method '{name}' to {ctx.info_name} with",
            code=Code.METHOD_UNAVAILABLE,
            expected=" or ".join(f"weighbridge {ctx.info_name} {m} MODEL" for m in self.commands),
            found=name,
        )
