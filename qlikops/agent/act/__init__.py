"""What is sent to Qlik, and what came of it?"""
