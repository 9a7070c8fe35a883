module github.com/edge-arena/edge-arena/tests/rig/natsexporter

go 1.26
