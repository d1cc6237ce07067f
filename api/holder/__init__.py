"""The pages of holders' phones: their licences of all connected regions, shown, asked for, and every use of them."""
