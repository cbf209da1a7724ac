"""The part of a pool that runs on other machines; `hpsearch.workers.pools` sends it requests.

A worker of Dask or Ray starts (`host`) a process of ours for each segment that it runs at once (`worker_process`), and
passes on the requests of the coordinator. So a segment whose process dies does not affect the engine, and is
distinguished from a lost worker; and every process has its own interpreter and one BLAS thread.
"""
