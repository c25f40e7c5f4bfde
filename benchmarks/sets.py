"""Sets of photos that figures are measured on, by name: each file with its SHA-256, so that tables stay comparable."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PhotoSet:
    """Files of a public collection.

    Attributes:
        source: where the collection is to be had.
        files: SHA-256 of each file, by its name in the collection.
    """

    source: str
    files: dict[str, str]

    def find(self, folder: Path) -> list[Path]:
        """The files of the set, wherever below `folder` they lie, in order.

        Raises:
            ValueError: a file is missing, or has other contents than those that were measured.
        """
        there = {path.name: path for path in sorted(folder.rglob("*")) if path.name in self.files}
        missing = [name for name in self.files if name not in there]
        if missing:
            raise ValueError(f"{folder} lacks {len(missing)} photos, {missing[0]} first: get them from {self.source}")
        for name, path in there.items():
            if hashlib.sha256(path.read_bytes()).hexdigest() != self.files[name]:
                raise ValueError(f"{path} is not the file that was measured: get it from {self.source}")
        return [there[name] for name in self.files]


SETS = {
    "bsds24": PhotoSet(
        "BSDS500 (Arbelaez et al. 2011), www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html",
        {
            "100098.jpg": "156fd9710dccd7bf3a821977f8d8155da0eccca553086f73771073e17a418aa6",
            "106005.jpg": "35cd328a7d0e4bcaccbdb8154ec5ebbc8f24439807e573b2fe4a4996ea802bed",
            "112090.jpg": "f625fcefd5e37a5d2efd3ad87e508a562d053eda3a2c67092103b957430023d9",
            "123057.jpg": "6a89868d16a768df2a995c31200e261f69389b75c278db9ebf7308cabc27036e",
            "140055.jpg": "bb7a083e833fde82c57b1df0ba95c0d0577f50ae3bb687cb71a066d414d117aa",
            "147080.jpg": "d123b0805613106d9963256cade9303c836bf7e44ad4246a1ee80c1787ab4fc3",
            "159029.jpg": "bb2dfcfcf6889b4791b3e7990a36669ad1b6b8d5299500879046328edf6b40b7",
            "166081.jpg": "34216b6ce9050572b99502f7d67397caf712487864a0a85c94b921211e73b4d0",
            "181079.jpg": "d5c7b9a1dd70eb66c6faa1426f5abe24c3e878d7636c65cd70b450a1d9cf1a30",
            "188091.jpg": "c5f55fc1a53d803704fbf2c9d22f5bf4a352816a36936ed3e92192e313c9f183",
            "20008.jpg": "a051d50a0ad0680cd89fdd3e7aeed911ee53de62dce312f9e76334bf7389f8db",
            "216053.jpg": "f77bad9b7ab42da16c49fb478ae3ac533d6b22b283d4ae389a448e3858915e47",
            "227040.jpg": "076c53879666e97155d5ecb7538aaaf196c944f798ac91cb92e563b97dda1b5a",
            "239007.jpg": "d30c8fe68aa274ec3a0c0a98c0c62419013033faa4f0ba46b4bdab8fb3c2e2a9",
            "250047.jpg": "28fd01582cbbdc023998fe079f4b03497b185754112835832dcb56deb5f77987",
            "268074.jpg": "72aad50c614c21978639c13315acd8c7008891ffaec90842642edd94bc1fdc01",
            "289011.jpg": "fdc2db38488c6d651234e5ef71bbeae39ad981ac39e2fe0376b80b5ec7f01aa0",
            "310007.jpg": "17e8a7650be55c9ca9393a613b95d13ab329ae80571b1a096bb7e72a24e46b88",
            "346016.jpg": "59a237f15337f1fefb5ae61c8ef62f5c010a72e37b67c6126109a4292d38e034",
            "368037.jpg": "f1d91ed462c3924e76a4299c4804aacb2b6301c66a090b3e69c640bf80c6db55",
            "388018.jpg": "314ee54777f32f9f4cebc51d41f8baf232a5b81a46984ac851b3ee127737f36b",
            "45077.jpg": "be1cc8eccd4d479e7c7af652b445813caba0078fa53214ef8b29daef2040fbe2",
            "61060.jpg": "25c41d4456ad719d6fe6397e65bcfffa9a75d21e50a7866169e7ffdcff245ae4",
            "70090.jpg": "51bffc1621da3661902b8d56bdfd931a266e65c8bfddb5da194043a192c74288",
        },
    ),
}
