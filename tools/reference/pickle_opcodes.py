"""Writes a hostile pickle for each operation that Python's pickletools knows: NAME CODE PICKLE, one a line, in hexadecimal.

    python tools/reference/pickle_opcodes.py > src/test/resources/io/tanuki4j/megatron/pickle-opcodes.txt

Each pickle uses its operation on the way to os.system. Python's own unpickler has to get there, with a harmless stand-in for os.system.
"""
import copyreg
import io
import pickle
import pickletools
import sys

NAME = b"cos\nsystem\n"


def argument(value):
    return NAME + value + b"\x85R."


PICKLES = {
    "INT": argument(b"I1\n"), "BININT": argument(b"J\1\0\0\0"), "BININT1": argument(b"K\1"), "BININT2": argument(b"M\1\0"),
    "LONG": argument(b"L1L\n"), "LONG1": argument(b"\x8a\1\1"), "LONG4": argument(b"\x8b\1\0\0\0\1"),
    "STRING": argument(b"S'id'\n"), "BINSTRING": argument(b"T\2\0\0\0id"), "SHORT_BINSTRING": argument(b"U\2id"),
    "BINBYTES": argument(b"B\2\0\0\0id"), "SHORT_BINBYTES": argument(b"C\2id"), "BINBYTES8": argument(b"\x8e\2" + bytes(7) + b"id"),
    "BYTEARRAY8": argument(b"\x96\2" + bytes(7) + b"id"), "NEXT_BUFFER": argument(b"\x97"), "READONLY_BUFFER": argument(b"\x97\x98"),
    "NONE": argument(b"N"), "NEWTRUE": argument(b"\x88"), "NEWFALSE": argument(b"\x89"), "UNICODE": argument(b"Vid\n"),
    "SHORT_BINUNICODE": argument(b"\x8c\2id"), "BINUNICODE": argument(b"X\2\0\0\0id"),
    "BINUNICODE8": argument(b"\x8d\2" + bytes(7) + b"id"), "FLOAT": argument(b"F1.5\n"), "BINFLOAT": argument(b"G" + bytes(8)),
    "EMPTY_LIST": argument(b"]"), "APPEND": argument(b"]K\1a"), "APPENDS": argument(b"](K\1e"), "LIST": argument(b"(K\1l"),
    "EMPTY_TUPLE": NAME + b")R.", "TUPLE": NAME + b"(K\1tR.", "TUPLE1": NAME + b"K\1\x85R.", "TUPLE2": NAME + b"K\1K\2\x86R.",
    "TUPLE3": NAME + b"K\1K\2K\3\x87R.", "EMPTY_DICT": argument(b"}"), "DICT": argument(b"(K\1K\2d"), "SETITEM": argument(b"}K\1K\2s"),
    "SETITEMS": argument(b"}(K\1K\2u"), "EMPTY_SET": argument(b"\x8f"), "ADDITEMS": argument(b"\x8f(K\1\x90"),
    "FROZENSET": argument(b"(K\1\x91"), "POP": b"K\1" + b"0" + NAME + b")R.", "DUP": argument(b"K\1" + b"2" + b"0"),
    "MARK": NAME + b"(tR.", "POP_MARK": NAME + b"(K\1" + b"1)R.", "GET": NAME + b"p0\ng0\n)R.", "BINGET": NAME + b"q\0h\0)R.",
    "LONG_BINGET": NAME + b"q\0j\0\0\0\0)R.", "PUT": NAME + b"p0\n)R.", "BINPUT": NAME + b"q\0)R.",
    "LONG_BINPUT": NAME + b"r\0\0\0\0)R.", "MEMOIZE": b"\x8c\2os\x94\x8c\6system\x940h\0h\1\x93)R.",
    "EXT1": b"\x82\1)R.", "EXT2": b"\x83\1\0)R.", "EXT4": b"\x84\1\0\0\0)R.", "GLOBAL": NAME + b")R.",
    "STACK_GLOBAL": b"\x8c\2os\x8c\6system\x93)R.", "REDUCE": NAME + b")R.", "BUILD": NAME + b")\x81}K\1K\2sb.",
    "INST": b"(ios\nsystem\n.", "OBJ": b"(" + NAME + b"o.", "NEWOBJ": NAME + b")\x81.", "NEWOBJ_EX": NAME + b")}\x92.",
    "PROTO": b"\x80\5" + NAME + b")R.", "STOP": NAME + b")R.", "FRAME": b"\x80\4\x95\x0e" + bytes(7) + NAME + b")R.",
    "PERSID": b"Pid\n0" + NAME + b")R.", "BINPERSID": b"K\1Q0" + NAME + b")R.",
}
called = []


class System:
    """Stands in for os.system."""

    def __new__(cls, *arguments, **named):
        called.append(arguments)
        return super().__new__(cls)


class Unpickler(pickle._Unpickler):  # the one in Python, whose extensions and calls go through find_class
    def find_class(self, module, name):
        assert (module, name) == ("os", "system"), (module, name)
        return System

    def persistent_load(self, key):
        return key


copyreg.add_extension("os", "system", 1)
assert sorted(PICKLES) == sorted(opcode.name for opcode in pickletools.opcodes), "other operations than this Python's"
for opcode in pickletools.opcodes:
    content = PICKLES[opcode.name]
    assert opcode in [used for used, *_ in pickletools.genops(content)], opcode.name
    before = len(called)
    Unpickler(io.BytesIO(content), buffers=[bytearray(b"id")]).load()
    assert len(called) == before + 1, opcode.name
    print(opcode.name, opcode.code.encode("latin-1").hex(), content.hex())
print(len(pickletools.opcodes), "operations, each of which reached os.system in Python", sys.version.split()[0], file=sys.stderr)
