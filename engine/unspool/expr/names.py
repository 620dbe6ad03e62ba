"""Which values an expression names, for checks before anything is evaluated."""

from __future__ import annotations

from typing import NamedTuple

from unspool.expr import tree
from unspool.expr.predicates import ABSORBING

Path = tuple[str | int, ...]


class Reference(NamedTuple):
    """One use of a value of the context.

    Attributes:
        path: the part known from the text, such as `("tasks", "x", "outputs", "y")`.
        offset: where it begins, in characters into the expression.
        guarded: an absent value does no harm here: `default` replaces it, or it is tested with
            `is defined`, or it is only read where such a test says that it is there.
        exact: the path is whole; False when a computed member follows.
    """

    path: Path
    offset: int
    guarded: bool
    exact: bool


def references_of(node: tree.Node) -> tuple[Reference, ...]:
    """Collect every use of a value of the context, in the order of the text."""
    collector = _Collector()
    collector.visit(node, frozenset())
    return tuple(sorted(collector.found, key=lambda reference: reference.offset))


class _Collector:
    """Walks a tree, knowing at each place which paths are there for certain."""

    def __init__(self) -> None:
        self.found: list[Reference] = []

    def visit(self, node: tree.Node, present: frozenset[Path], *, guarded: bool = False) -> None:
        if isinstance(node, tree.Name | tree.Member | tree.Subscript):
            self._visit_chain(node, present, guarded=guarded)
        elif isinstance(node, tree.Slice):
            self.visit(node.target, present, guarded=guarded)
            self._visit_all((node.start, node.stop, node.step), present)
        elif isinstance(node, tree.Default):
            self.visit(node.target, present, guarded=True)
            self.visit(node.fallback, present, guarded=guarded)
        elif isinstance(node, tree.Is):
            self.visit(node.target, present, guarded=node.name in ABSORBING)
            self._visit_all(node.arguments, present)
        elif isinstance(node, tree.And | tree.Or):
            self.visit(node.left, present)
            self.visit(node.right, present | _present(node.left, outcome=isinstance(node, tree.And)))
        elif isinstance(node, tree.Conditional):
            self.visit(node.test, present)
            self.visit(node.then, present | _present(node.test, outcome=True))
            self.visit(node.otherwise, present | _present(node.test, outcome=False))
        else:
            self._visit_all(_parts(node), present)

    def _visit_all(self, nodes: tuple[tree.Node | None, ...], present: frozenset[Path]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node, present)

    def _visit_chain(self, node: tree.Node, present: frozenset[Path], *, guarded: bool) -> None:
        """Follow members down to their name; anything else at the root is visited by itself."""
        members: list[str | int] = []
        exact = True
        while isinstance(node, tree.Member | tree.Subscript):
            if isinstance(node, tree.Member):
                members.append(node.key)
            else:
                self.visit(node.key, present)
                members.clear()
                exact = False
            node = node.target
        if not isinstance(node, tree.Name):
            self.visit(node, present, guarded=guarded)
            return
        path = (node.name, *reversed(members))
        is_present = any(known[: len(path)] == path for known in present)
        self.found.append(Reference(path, node.offset, guarded or is_present, exact))


def _parts(node: tree.Node) -> tuple[tree.Node, ...]:
    if isinstance(node, tree.Filter):
        return (node.target, *node.arguments, *(value for _, value in node.named))
    if isinstance(node, tree.Compare):
        return (node.first, *(operand for _, operand in node.rest))
    if isinstance(node, tree.Arithmetic):
        return (node.left, node.right)
    if isinstance(node, tree.Not | tree.Sign):
        return (node.operand,)
    if isinstance(node, tree.Concat):
        return node.parts
    if isinstance(node, tree.ListOf):
        return node.items
    if isinstance(node, tree.MapOf):
        return tuple(part for pair in node.pairs for part in pair)
    return ()


def _present(test: tree.Node, *, outcome: bool) -> frozenset[Path]:
    """Give the paths that are there for certain once `test` has this outcome."""
    if isinstance(test, tree.Not):
        return _present(test.operand, outcome=not outcome)
    if isinstance(test, tree.And if outcome else tree.Or):
        return _present(test.left, outcome=outcome) | _present(test.right, outcome=outcome)
    if isinstance(test, tree.Is) and test.name == ("defined" if outcome else "undefined"):
        return frozenset(reference.path for reference in references_of(test.target) if reference.exact)
    return frozenset()
