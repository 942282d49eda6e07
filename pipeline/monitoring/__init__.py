"""Cloud Monitoring's files for a job on Dataflow, made from the one list of metrics.

`python -m pipeline.monitoring` writes templates/monitoring anew. Which metrics Dataflow makes of
Beam's, and what becomes of a distribution:
https://cloud.google.com/dataflow/docs/guides/using-cloud-monitoring (custom metrics).
How they are called in PromQL: https://cloud.google.com/monitoring/promql/promql-mapping
"""
