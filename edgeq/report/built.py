"""What a build has found, as the JSON values that are kept beside the firmware."""

from __future__ import annotations

from typing import Any

from edgeq.compiling import Compiled
from edgeq.kernels import KernelSetting, fitting_kernels
from edgeq.passes.shrink_channels import NOTES
from edgeq.program import KernelCall
from edgeq.report.tensors import state
from edgeq.target import Board, Cpu
from edgeq.toolchain.footprint import Footprint


def _considered(call: KernelCall, cpu: Cpu, setting: KernelSetting) -> list[dict[str, Any]]:
    """The kernels that could run a call, the cheapest first: estimated instructions (0: not estimated) and scratch."""
    kernels = fitting_kernels(call.op, call.params, cpu, setting)
    found = [
        {"kernel": k.name, "cost": k.cost(call.params, cpu), "scratch": k.scratch_bytes(call.params, cpu)}
        for k in kernels
    ]
    return sorted(found, key=lambda each: (each["cost"], each["kernel"]))


def built(compiled: Compiled, board: Board, footprint: Footprint | None, setting: KernelSetting) -> dict[str, Any]:
    """Layers, memory, sizes and warnings; sizes in bytes, null where nothing was compiled."""
    program, plan = compiled.program, compiled.plan
    warnings = list(compiled.warnings)
    flash: dict[str, Any] = dict.fromkeys(("text", "rodata", "total", "model_code", "constants", "other", "size"))
    ram: dict[str, Any] = {"arena": plan.arena_bytes, "scratch": plan.scratch_bytes, "state": program.state_bytes}
    ram["size"] = board.soc.ram.size
    if footprint is None:
        ram.update(static=None, stack=None, total=None)
        sections: dict[str, int] = {}
    else:
        sections = {f"{group}.{kind}": n for (group, kind), n in sorted(footprint.sections.items())}
        model_code, constants = footprint.group("model", "text", "rodata"), footprint.group("constants")
        flash.update(
            text=sum(n for (_, kind), n in footprint.sections.items() if kind == "text"),
            rodata=sum(n for (_, kind), n in footprint.sections.items() if kind == "rodata"),
            total=footprint.flash,
            model_code=model_code,
            constants=constants,
            other=footprint.flash - model_code - constants,
            size=footprint.flash_size,
        )
        stack = footprint.stack.nbytes
        static = footprint.ram - plan.total_bytes
        ram.update(static=static, stack=stack, total=footprint.ram + (stack or 0))
        if stack is None:
            warnings.append(f"the stack has no proven bound: {footprint.stack.reason}")
        elif stack > footprint.stack_room:
            warnings.append(f"the stack may need {stack:,} bytes, {footprint.stack_room:,} are left for it")
    return {
        "program_hash": program.hash,
        "target": board.name,
        "macs": program.macs,
        "flash": flash,
        "ram": ram,
        "sections": sections,
        "memory": {
            "lower_bound": plan.lower_bound,
            "peak_layer": plan.peak_call,
            "in_place": [c for c, _, _ in plan.in_place],
            "overlapping": [c for c, _, _ in plan.overlaps],
        },
        "layers": [
            {
                "name": c.name,
                "op": c.op,
                "kernel": c.kernel,
                "considered": _considered(c, board.soc.cpu, setting),
                "macs": c.macs,
                "scratch": c.scratch_bytes,
                "accumulator_bound": c.accumulator_bound,
                "accumulator_bits": c.accumulator_bits,
                "accumulator_headroom": _headroom(c),
            }
            for c in program.calls
        ],
        "states": [state(program.tensors[each.name]) for each in program.states],
        "shrunk": compiled.graph.metadata.get(NOTES, "").splitlines(),
        "warnings": warnings,
    }


def _headroom(call: KernelCall) -> float | None:
    """How many times larger the accumulator could be."""
    limit = (1 << (call.accumulator_bits - 1)) - 1
    return round(limit / call.accumulator_bound, 1) if call.accumulator_bound else None
