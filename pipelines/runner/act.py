"""The unit act: published decisions leave through the outbox, each message once."""

from __future__ import annotations

from collections.abc import Collection

from pipelines.contracts.domain import Domain
from pipelines.contracts.tasks import Task
from pipelines.domains import policy as policy_named
from pipelines.io.outbox import Outbox
from pipelines.runner.work import Context, Work, fingerprint


def run(context: Context, domain: Domain, task: Task, wanted: Collection[str]) -> None:
    """Put published decisions into the outbox and deliver what is pending: after publication, never before."""
    work = Work(context, domain, f"act {task.name}")
    outbox = Outbox(context.ledger, context.settings.outbox.path)
    name = domain.delta_table("gold", f"{task.name}_decisions")
    work.needs("act", [name], "Run the stage decide first")
    made_of = fingerprint(work.version(name))
    if not work.is_done("act", task.name, made_of):
        from pipelines.stages.act import messages

        policy = policy_named(domain, task.decide)
        # through Arrow, whose instants keep their zone; plain rows would be in the host's own
        outbox.put(messages(domain, task, policy, work.read(name).toArrow().to_pylist()))
        work.open()
        work.mark_done("act", task.name, made_of)
    delivered = outbox.deliver(domain.name, task.name)
    work.publish()
    told = f"{delivered} messages delivered to {context.settings.outbox.path}" if delivered else "nothing to deliver"
    work.say("act", f"{task.name}: {told}")
