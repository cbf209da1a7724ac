"""What happens where the workers are, on other machines; the pools of `hpsearch.workers.pools` are its other end.

A worker of Dask or Ray hosts (`hosting`) a process of ours for each segment that it runs at once (`serving`), and hands
it the parcels that the coordinator packs. So a segment that dies takes nothing of the engine with it, and is known to
have died, as against a worker that was lost; and every process has its own interpreter and one BLAS thread.
"""
