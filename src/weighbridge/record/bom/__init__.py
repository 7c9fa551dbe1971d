"""Bills of materials: what a model is made of and from, in the formats that inventories read."""
