#!/bin/sh
# Trains the networks of docs/renderers.md's ablation into the folder $1, one after another; goes on where it was stopped.
set -e
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
for network in coordinate dual-pathway unet rasterization-only pixelshuffle dcgan shading-only; do
    for brush in oil watercolor; do
        out="$1/ablation-$brush-$network"
        [ -f "$out/README.md" ] || neuralpaint train-renderer --brush "$brush" --network "$network" --size 32 --steps 1500 \
            --batch 16 --zooms 1 --eval-every 100 --picture-every 0 --cpu --resume --out "$out"
    done
done
