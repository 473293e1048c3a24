"""How the sample motions are made: planted feet and a moving pelvis, with the legs solved in between."""
