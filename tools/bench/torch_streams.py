"""Does a second stream help a backward pass on this GPU? Prints milliseconds with one stream and with two.

    python3 tools/bench/torch_streams.py

The products of four layers of Llama-3-8B's shape at 8192 tokens in bf16, with the gradients of weights on the second stream while
the main one computes the gradients of inputs, copies of the size of SwiGLU's and RMSNorm's backward, and attention's backward;
then eight updates of 2^28 fp32 numbers during products, as AdamW would run during the next forward. Both ways take turns, so
that the card's power limit holds for both.
"""

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

TOKENS, HIDDEN, FFN, QKV, LAYERS = 8192, 4096, 14336, 6144, 4
WARM_UP, RUNS, TURNS = 6, 20, 4


def random(*shape):
    return torch.randn(*shape, device="cuda", dtype=torch.bfloat16) * 0.02


def on_stream(side, work):
    """Runs work on the other stream, behind the work that the main one has so far; on the main one if there is no other."""
    if side is None:
        work()
        return
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        work()


def join(side):
    if side is not None:
        torch.cuda.current_stream().wait_stream(side)


def attention_backward():
    query, key, value = (random(1, 32, TOKENS, 128).requires_grad_() for _ in range(3))
    with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
        out = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    gradient = random(*out.shape)
    return lambda: torch.autograd.grad(out, (query, key, value), gradient, retain_graph=True)


def backward_pass(attention, copies):
    rows, others, ffn, qkv = random(TOKENS, HIDDEN), random(TOKENS, HIDDEN), random(TOKENS, FFN), random(TOKENS, QKV)
    gate, gate_gradient = random(TOKENS, 2 * FFN), random(TOKENS, 2 * FFN)
    weights = [random(FFN, HIDDEN), random(2 * FFN, HIDDEN), random(HIDDEN, HIDDEN), random(QKV, HIDDEN)]
    gradients = [torch.zeros_like(weight) for weight in weights]
    out = [torch.empty_like(ffn), torch.empty_like(rows), torch.empty_like(rows), torch.empty_like(rows)]

    def copy(to, source):
        if copies:
            to.copy_(source)

    def run(side):
        for _ in range(LAYERS):
            torch.mm(rows, weights[0].t(), out=out[0])
            on_stream(side, lambda: gradients[0].addmm_(ffn.t(), rows))
            copy(gate_gradient, gate)
            torch.mm(gate_gradient, weights[1], out=out[1])
            on_stream(side, lambda: gradients[1].addmm_(gate_gradient.t(), rows))
            copy(others, rows)
            copy(rows, others)
            torch.mm(others, weights[2], out=out[2])
            on_stream(side, lambda: gradients[2].addmm_(rows.t(), others))
            if attention:
                attention()
            copy(others, rows)
            torch.mm(qkv, weights[3], out=out[3])
            on_stream(side, lambda: gradients[3].addmm_(qkv.t(), rows))
            copy(others, rows)
            copy(rows, others)
        join(side)

    return run


def update_during_forward():
    state, gradient = torch.zeros(1 << 28, device="cuda"), torch.zeros(1 << 28, device="cuda")
    rows, gate, ffn = random(TOKENS, HIDDEN), random(2 * FFN, HIDDEN), random(FFN, HIDDEN)
    wide, middle, narrow = random(TOKENS, 2 * FFN), random(TOKENS, FFN), random(TOKENS, HIDDEN)

    def update():
        for _ in range(8):
            state.add_(gradient)

    def run(side):
        on_stream(side, update)
        for _ in range(6):
            torch.mm(rows, gate.t(), out=wide)
            torch.mm(rows, ffn.t(), out=middle)
            torch.mm(middle, ffn, out=narrow)
        join(side)

    return run


def millis(run, side):
    for _ in range(WARM_UP):
        run(side)
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(RUNS):
        run(side)
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / RUNS


def main():
    side = torch.cuda.Stream()
    attention = attention_backward()
    cases = {
        "products, copies, attention": backward_pass(attention, copies=True),
        "products, copies": backward_pass(None, copies=True),
        "products": backward_pass(None, copies=False),
        "update during products": update_during_forward(),
    }
    print(f"{torch.cuda.get_device_name()}\n{'':28} {'one ms':>8} {'two ms':>8} {'gain':>7}")
    for name, run in cases.items():
        one = two = 0.0
        for _ in range(TURNS):
            one += millis(run, None) / TURNS
            two += millis(run, side) / TURNS
        print(f"{name:28} {one:8.2f} {two:8.2f} {one / two - 1:7.1%}", flush=True)


if __name__ == "__main__":
    main()
