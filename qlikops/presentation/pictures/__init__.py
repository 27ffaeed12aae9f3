"""What is drawn rather than written: graphs, charts, strips and bars."""
