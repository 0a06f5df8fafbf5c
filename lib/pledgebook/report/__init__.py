"""The report: notebooks executed, pages rendered and linked, the evidence written down."""
