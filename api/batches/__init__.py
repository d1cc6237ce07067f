"""Batches (存量证照电子化): a table of applications handed in, validated, and what is good of it issued.

A batch    validating -> ready -> running -> done
           validating -> refused            the table cannot be read, or no row of it is good
           ready -> waiting -> running      more than one person may seal alone: a reviewer approves
           waiting -> ready                 and another time does not
           any of these but done and refused -> cancelled
A row      good -> issued | failed          within the transaction that completes the licences of its chunk
           wrong                            by validation, for good

Rows are issued in chunks by whichever process claims them, each in one transaction: licences are completed, their rows
become `issued` and name them, and the chunk is gone, or none of it happened. So a row is issued once, however often a
process is killed and whoever takes up its chunk; claims only keep two from doing the same work in vain. What a killed
process leaves is an open intent, which is harmless.

An application is kept, encrypted, until its row is issued; the file until it was validated.
"""
