"""Origins in frames of exchanges.

Enters: the columns ``scheme``, ``host`` and ``port``. Leaves: one text.
"""

import narwhals as nw


def origin_expression() -> nw.Expr:
    """The origin as RFC 6454 writes it: no port where it is the scheme's own."""
    host = (
        nw.when(nw.col("host").str.contains(":", literal=True))
        .then(nw.concat_str([nw.lit("["), nw.col("host"), nw.lit("]")]))
        .otherwise(nw.col("host"))
    )
    default = ((nw.col("scheme") == "http") & (nw.col("port") == 80)) | (
        (nw.col("scheme") == "https") & (nw.col("port") == 443)
    )
    bare = nw.concat_str([nw.col("scheme"), nw.lit("://"), host])
    ported = nw.concat_str([bare, nw.lit(":"), nw.col("port").cast(nw.String)])
    return nw.when(default).then(bare).otherwise(ported)
