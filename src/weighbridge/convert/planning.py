"""What is to be converted, and the plan for it."""

from weighbridge.convert.disk import DiskMemory
from weighbridge.convert.plan import Plan, SharedTensors, plan_file
from weighbridge.convert.survey import survey
from weighbridge.core.artifact import FileFormat
from weighbridge.core.values import frozen
from weighbridge.load.held import HeldFile


@frozen
class Order:
    """
    A checkpoint to convert.

    Attributes:
        path: Its path.
        target: The path of what it becomes.
        where: The checkpoint, for errors.
        format: As told from its bytes.
        size: Its bytes.
        key: See `survey`.
        tensors_only: See `survey`.
        shared: What becomes of tensors that are the same under several names.
    """

    path: str
    target: str
    where: str
    format: FileFormat
    size: int
    key: str | None
    tensors_only: bool
    shared: SharedTensors


def make_plan(order: Order, descriptor: int, /) -> Plan:
    """
    Return how the checkpoint is converted that is open for reading as *descriptor*.

    The plan reads from there when it is carried out.

    Raises:
        WeighbridgeError: As `survey` and `plan_file`.
    """
    memory = DiskMemory(descriptor, size=order.size, path=order.path)
    found = survey(
        HeldFile(memory),
        order.format,
        where=order.where,
        key=order.key,
        tensors_only=order.tensors_only,
    )
    return plan_file(
        found,
        source=order.path,
        target=order.target,
        size=order.size,
        shared=order.shared,
        where=order.where,
    )
