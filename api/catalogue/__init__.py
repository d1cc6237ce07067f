"""The catalogue of licence types: their definitions, pages and sharing, in versions, from draft to published."""
