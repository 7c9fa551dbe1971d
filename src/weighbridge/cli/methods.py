"""The groups `sign` and `verify`, whose subcommands are signing methods."""

import click

from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.core.identity import SigningMethod


class MethodGroup(click.Group):
    """A group that explains what to say instead when the method is missing or unknown."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the method; a model in its place means keyless signing, which is not there."""
        name = args[0]
        if name in self.commands:
            return super().resolve_command(ctx, args)
        keyless = name not in set(SigningMethod) or name == SigningMethod.SIGSTORE
        method = SigningMethod.SIGSTORE.value if keyless else name
        raise UsageError(
            f"this version does not {ctx.info_name} with the method '{method}'",
            code=Code.METHOD_UNAVAILABLE,
            where=None if name == method else name,
            expected=" or ".join(f"weighbridge {ctx.info_name} {m} MODEL" for m in self.commands),
            found="no method, which means sigstore" if name != method else method,
        )
