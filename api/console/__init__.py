"""The console of a department: pages rendered on the server from view models, without a look at storage.

A route fills a view (`views/`), `pages.Pages` makes the page of it; `forms` turns licence types into forms and what was
posted back into an application. Every address is below `/console`; nothing personal ever stands in one.
"""
