"""
vLLM: a general plugin that lets every process of a server read verified bytes only.

vLLM calls `register` in each of its processes, by the entry point `vllm.general_plugins`. It logs
what goes wrong while it imports a plugin and goes on without; what the plugin raises ends it. So
this module imports nothing, and `register` everything.
"""


def register() -> None:
    """
    Put the checks into the vLLM of this process; again is nothing.

    Raises:
        OperationError: This vLLM has not what they are put into.
    """
    from weighbridge.integrations.vllm.plugin import (  # noqa: PLC0415  see above
        install,
    )

    install()
