"""The Merkle tree of the test instance's log."""

import hashlib

import pytest

from support.merkle import climb
from weighbridge.demo.instance.tree import Tree, root

# Leaves and roots of the reference implementation of certificate transparency
# (google/certificate-transparency, merkletree/merkle_tree_test.cc).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_roots_are_those_of_the_reference() -> None:
    """After each leaf the root is the one of the reference implementation."""
    tree = Tree()
    assert [tree.append(leaf).root.hex() for leaf in LEAVES] == ROOTS


def test_an_empty_tree_has_the_root_of_the_rfc() -> None:
    """The root over nothing is the hash of nothing."""
    assert Tree().head() == (0, hashlib.sha256().digest())
    assert root([]) == hashlib.sha256().digest()


@pytest.mark.parametrize("count", range(1, 40))
def test_the_proof_of_each_leaf_leads_to_the_root(count: int) -> None:
    """The proof of the last leaf leads to the root, and that of another leaf does not."""
    tree = Tree()
    leaves = [str(number).encode() for number in range(count)]
    proofs = [tree.append(leaf) for leaf in leaves]
    assert tree.head() == (count, proofs[-1].root)
    assert climb(leaves[-1], proofs[-1]) == proofs[-1].root
    assert climb(b"another", proofs[-1]) != proofs[-1].root
