// Nothing: for the precompiled headers that the tests share.
