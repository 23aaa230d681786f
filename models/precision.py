"""Which arithmetic training runs in. Imports torch: for recipes and processes of their own, never for the service."""

import torch


def mixed_precision(device: str = "cpu") -> torch.autocast:
    """Return a context that computes in bfloat16, doing nothing on a processor that would emulate it.

    Emulated bfloat16 is a hundred times slower than float32; native, it is up to three times faster.
    """
    native = device != "cpu" or bool(torch.cpu.get_capabilities()["avx512_bf16"])
    return torch.autocast(device, dtype=torch.bfloat16, enabled=native)
